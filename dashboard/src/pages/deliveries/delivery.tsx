import { PageHeader } from '../../components/page-header';

export const DeliveryPage = () => <PageHeader title="Delivery" />;
