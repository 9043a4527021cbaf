import { PageHeader } from '../../components/page-header';

export const EventTypePage = () => <PageHeader title="Event type" />;
