import { PageHeader } from '../../components/page-header';

export const Deliveries = () => <PageHeader title="Deliveries" />;
