import { TextInput } from '@mantine/core';

/** A field for the header that the receiver got. `isRight`: whether it has the right signature; null: not known yet. */
export const ReceivedSignature = ({
  version,
  value,
  isRight,
  onChange,
}: {
  version: 'v1' | 'v1a';
  value: string;
  isRight: boolean | null;
  onChange: (value: string) => void;
}) => (
  <TextInput
    label="The webhook-signature that the receiver got"
    placeholder={`${version},…`}
    value={value}
    onChange={({ currentTarget }) => onChange(currentTarget.value)}
    error={
      value !== '' &&
      isRight === false &&
      `No match: another ${version === 'v1' ? 'secret' : 'key'}, or a body that was changed on the way.`
    }
    description={value !== '' && isRight ? 'It matches.' : undefined}
  />
);
