import { PageHeader } from '../../components/page-header';

export const EventTypes = () => <PageHeader title="Event types" />;
