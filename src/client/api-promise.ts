interface Answer<T> {
  data: T;
  response: Response;
}

/** Resolves to the body of an answer; `withResponse()` to its headers and status, too. */
export class ApiPromise<T> extends Promise<T> {
  /** `then` makes plain promises. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #answer: Promise<Answer<T>>;

  constructor(answer: Promise<Answer<T>>) {
    // Settled by `then` alone, so that a rejection that nobody awaits is reported once, by `answer`.
    super(() => {});
    this.#answer = answer;
  }

  override then<A = T, B = never>(
    onfulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#answer.then(({ data }) => data).then(onfulfilled, onrejected);
  }

  withResponse(): Promise<Answer<T>> {
    return this.#answer;
  }
}
