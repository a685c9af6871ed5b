/**
 * What a topic is for, by the names that frameworks give: `orders-retry-0`, `orders.retry.5m`
 * (Spring, Uber's pattern), `orders.dlq`, `orders-dlt` (Spring), `dead-letter-orders`,
 * `DeadLetterQueue`. The conventions have no attribute for it. RE2 and JavaScript read both alike,
 * without regard to case.
 */
export const RETRY_TOPIC_PATTERN = '(^|[._-])retr(y|ies)([._-]?[0-9]+(ms|s|m|h)?)?([._-]|$)'
export const DEAD_LETTER_TOPIC_PATTERN = '(^|[._-])(dlq|dlt|dlx)([._-]|$)|dead[._-]?letter'

const retry = new RegExp(RETRY_TOPIC_PATTERN, 'i')
const deadLetter = new RegExp(DEAD_LETTER_TOPIC_PATTERN, 'i')

export function isRetryTopic(topic: string): boolean {
  return retry.test(topic)
}

/** Whether a message on this topic was on another one before. */
export function isRetryOrDeadLetterTopic(topic: string): boolean {
  return retry.test(topic) || deadLetter.test(topic)
}
