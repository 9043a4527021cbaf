import type { Attempt } from '../../api/types';
import { duration } from '../../lib/format';
import classes from './attempts.module.css';

const STEPS = [
  ['dns', 'Name look-up'],
  ['connect', 'Connect'],
  ['tls', 'TLS'],
  ['first_byte', 'First byte'],
] as const;

/** Where the time of an attempt went: a bar for each step, one after the other. */
export function Waterfall({ timings }: { timings: NonNullable<Attempt['timings']> }) {
  const { total } = timings;
  const taken = STEPS.flatMap(([name, label]) =>
    timings[name] === null ? [] : [{ label, ms: timings[name] }],
  );
  const rest = Math.max(total - taken.reduce((sum, { ms }) => sum + ms, 0), 0);
  const steps = [...taken, { label: 'Rest', ms: rest }];
  const before = (index: number) => steps.slice(0, index).reduce((sum, { ms }) => sum + ms, 0);
  const share = (ms: number) => (total === 0 ? 0 : Math.min((100 * ms) / total, 100));
  return (
    <table className={classes.bars} aria-label="Timing">
      <tbody>
        {steps.map(({ label, ms }, index) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td aria-hidden>
              <span
                className={classes.bar}
                style={{
                  width: `${share(ms)}%`,
                  marginInlineStart: `${Math.min(share(before(index)), 99)}%`,
                }}
              />
            </td>
            <td>{precise(ms)}</td>
          </tr>
        ))}
        <tr>
          <th scope="row">In all</th>
          <td aria-hidden />
          <td>{precise(total)}</td>
        </tr>
      </tbody>
    </table>
  );
}

const precise = (ms: number) => (ms < 100 ? `${ms.toFixed(1)} ms` : duration(ms));
