import classes from './tag.module.css';

/** A word on a colored ground. Light enough for thousands of rows; `title` explains it when pointed at. */
export const Tag = ({ color, title, children }: { color: string; title?: string; children: string }) => (
  <span className={classes.tag} data-color={color} title={title}>
    {children}
  </span>
);
