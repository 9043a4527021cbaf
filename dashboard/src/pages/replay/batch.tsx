import { PageHeader } from '../../components/page-header';

export const BatchPage = () => <PageHeader title="Replay" />;
