import type { Batch } from '../../api/types';
import { Tag } from '../../components/tag';
import { BATCH_WORDS } from './words';

export const BatchBadge = ({ status }: { status: Batch['status'] }) => {
  const { label, color, means } = BATCH_WORDS[status];
  return (
    <Tag color={color} title={means}>
      {label}
    </Tag>
  );
};
