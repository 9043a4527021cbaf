import type { ReactNode } from 'react';
import classes from './facts.module.css';

/** Names and values, in as many columns as there is room for. Values that are null are left out. */
export const Facts = ({ of }: { of: Record<string, ReactNode> }) => (
  <dl className={classes.facts}>
    {Object.entries(of)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);
