import { InvalidRedactListError } from '../../otlp/redact/redact-list.ts'
import { createRedactor, type Redactor } from '../../otlp/redact/redactor.ts'
import { type Parser, UsageError } from '../args.ts'

export const redactParser: Parser<Redactor> = {
  expected: 'attribute names and /patterns/ such as user.email,*password*,/[0-9]{16}/',
  parse: (text) => {
    try {
      return createRedactor(text)
    } catch (error) {
      if (error instanceof InvalidRedactListError)
        throw new UsageError(`invalid --redact: ${error.message}`, { cause: error })
      throw error
    }
  },
}
