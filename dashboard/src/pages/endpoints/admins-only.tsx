import { useIsPortal } from '../../api/api-context';
import { Empty } from '../../components/empty';

/** In place of a form whose request the server would refuse. */
export const AdminsOnly = () => (
  <Empty title="You may not add or change endpoints">
    {useIsPortal()
      ? 'Your link allows you to look only. Ask for another where you came from.'
      : 'Only the role admin may: ask someone who has it.'}
  </Empty>
);
