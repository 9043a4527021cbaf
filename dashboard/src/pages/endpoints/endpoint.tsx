import { PageHeader } from '../../components/page-header';

export const EndpointPage = () => <PageHeader title="Endpoint" />;
