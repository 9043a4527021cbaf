import { PageHeader } from '../../components/page-header';

export const NewEndpoint = () => <PageHeader title="New endpoint" />;
