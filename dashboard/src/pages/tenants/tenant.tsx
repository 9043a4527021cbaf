import { PageHeader } from '../../components/page-header';

export const TenantPage = () => <PageHeader title="Tenant" />;
