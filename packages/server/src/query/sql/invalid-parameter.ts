/** A request parameter that has a valid form and an invalid value. */
export class InvalidParameterError extends Error {
  override readonly name: string = 'InvalidParameterError'
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(message)
    this.parameter = parameter
  }
}
