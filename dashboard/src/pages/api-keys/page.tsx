import { PageHeader } from '../../components/page-header';

export const ApiKeys = () => <PageHeader title="API keys" />;
