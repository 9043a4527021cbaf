import { PageHeader } from '../../components/page-header';

export const Endpoints = () => <PageHeader title="Endpoints" />;
