import { ApiPromise } from './api-promise.js';

export interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

/** A list: `await` reads its first page, `for await` all rows, page after page. */
export class Pages<Row> extends ApiPromise<Page<Row>> implements AsyncIterable<Row> {
  readonly #first: ApiPromise<Page<Row>>;
  readonly #next: (cursor: string) => PromiseLike<Page<Row>>;

  constructor(first: ApiPromise<Page<Row>>, next: (cursor: string) => PromiseLike<Page<Row>>) {
    super(first.withResponse());
    this.#first = first;
    this.#next = next;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    for (let page = await this.#first; ; page = await this.#next(page.next_cursor)) {
      yield* page.data;
      if (page.next_cursor === null) return;
    }
  }
}
