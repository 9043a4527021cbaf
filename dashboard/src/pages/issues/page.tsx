import { PageHeader } from '../../components/page-header';

export const Issues = () => <PageHeader title="Issues" />;
