import { PageHeader } from '../../components/page-header';

export const Replay = () => <PageHeader title="Replay" />;
