import { PageHeader } from '../../components/page-header';

export const EventPage = () => <PageHeader title="Event" />;
