import { PageHeader } from '../../components/page-header';

export const Settings = () => <PageHeader title="Settings" />;
