import { useRouter } from '@tanstack/react-router';
import type { CSSProperties, MouseEvent, ReactNode } from 'react';
import classes from './row-list.module.css';

/** A link of the page's router. Lighter than its `Link`, of which a fast scroll would make hundreds each second. */
export function PlainLink({
  to,
  className,
  style,
  children,
}: {
  to: string;
  className?: string;
  style?: CSSProperties;
  children: ReactNode;
}) {
  const router = useRouter();
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ href: to });
  };
  return (
    <a href={router.history.createHref(to)} onClick={follow} className={className} style={style}>
      {children}
    </a>
  );
}

/** The link of a row of a `RowList`: it covers the whole row. */
export const RowLink = ({ to, children }: { to: string; children: ReactNode }) => (
  <PlainLink to={to} className={classes.link}>
    {children}
  </PlainLink>
);
