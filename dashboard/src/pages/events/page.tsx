import { PageHeader } from '../../components/page-header';

export const Events = () => <PageHeader title="Events" />;
