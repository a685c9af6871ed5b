/**
 * The role of a topic, from the names that frameworks use: `orders-retry-0`, `orders.retry.5m`
 * (Spring, Uber's pattern), `orders.dlq`, `orders-dlt` (Spring), `dead-letter-orders`,
 * `DeadLetterQueue`. The semantic conventions have no attribute for it. The patterns are valid in
 * both RE2 and JavaScript and ignore case.
 */
export const RETRY_TOPIC_PATTERN = '(^|[._-])retr(y|ies)([._-]?[0-9]+(ms|s|m|h)?)?([._-]|$)'
export const DEAD_LETTER_TOPIC_PATTERN = '(^|[._-])(dlq|dlt|dlx)([._-]|$)|dead[._-]?letter'

const retry = new RegExp(RETRY_TOPIC_PATTERN, 'i')
const deadLetter = new RegExp(DEAD_LETTER_TOPIC_PATTERN, 'i')

export function isRetryTopic(topic: string): boolean {
  return retry.test(topic)
}

/** Whether messages on this topic were on another topic before. */
export function isRetryOrDeadLetterTopic(topic: string): boolean {
  return retry.test(topic) || deadLetter.test(topic)
}
