/** Tell the rows of a list apart; the same functions at each render. */
export const idOf = ({ id }: { id: string }): string => id;
export const nameOf = ({ name }: { name: string }): string => name;
