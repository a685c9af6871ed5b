/** A parameter of the question that has the right form and no meaning. */
export class BadParameter extends Error {
  readonly parameter: string

  constructor(parameter: string, message: string) {
    super(message)
    this.name = 'BadParameter'
    this.parameter = parameter
  }
}
