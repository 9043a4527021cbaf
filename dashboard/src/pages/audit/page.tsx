import { PageHeader } from '../../components/page-header';

export const Audit = () => <PageHeader title="Audit" />;
