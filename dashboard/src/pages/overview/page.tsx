import { PageHeader } from '../../components/page-header';

export const Overview = () => <PageHeader title="Overview" />;
