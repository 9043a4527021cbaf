import { PageHeader } from '../../components/page-header';

export const NewReplay = () => <PageHeader title="New replay" />;
