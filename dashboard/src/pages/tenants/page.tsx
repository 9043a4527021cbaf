import { PageHeader } from '../../components/page-header';

export const Tenants = () => <PageHeader title="Tenants" />;
