/** No valid credentials: 401. */
export class UnauthenticatedError extends Error {
  constructor(message = 'Sign in, or send a token: Authorization: Bearer <token>.') {
    super(message)
  }
}

/** The credentials are valid, but their roles do not permit this: 403. */
export class ForbiddenError extends Error {}

/** A limit per token, or of failed sign-ins, is exceeded: 429. */
export class RateLimitError extends Error {
  /** Whole seconds, at least 1. */
  readonly retryAfterSeconds: number

  constructor(message: string, retryAfterMs: number) {
    super(message)
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  }
}
