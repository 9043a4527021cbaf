type Optional<F> = {
  [Name in keyof F as undefined extends F[Name] ? Name : never]?: Exclude<F[Name], undefined>;
};
type Required<F> = { [Name in keyof F as undefined extends F[Name] ? never : Name]: F[Name] };

/** The fields that have a value, such as the options that were given. */
export const defined = <F extends object>(fields: F) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Optional<F> &
    Required<F>;
