import type { Message, MessagesResponse, SearchedRange } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import './messages.css'
import { incompleteText, mergeCounts, rangeText, searchedBy } from '../lib/searched-range.ts'
import type { ApiError } from '../lib/api.ts'
import { bindKeys } from '../app/keyboard.ts'
import {
  isNever,
  listWords,
  MESSAGE_LISTS,
  messagesPath,
  messagesPlaceOf,
  messagesUrl,
  minAgeNanos,
  MOST_MESSAGES,
  type MessagesPlace,
} from './messages-url.ts'
import { createOlderPages, questionOf, type OlderPages } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { createResource, type Resource } from '../lib/resource.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import { push, replace, route } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { LiveButton } from '../components/buttons/live-button.tsx'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { NewRows } from '../components/list/new-rows-button.tsx'
import { NotRefreshing } from '../components/list/refresh-error.tsx'
import { Notice } from '../components/notice.tsx'
import { Searched } from '../components/list/searched-range.tsx'
import { ShowMore } from '../components/list/load-more.tsx'
import { CountChart } from './count-chart.tsx'
import { MessageFilters } from './message-filters.tsx'
import { MESSAGE_LINKS, messageKey, MessageTable } from './message-table.tsx'

const REFRESH_MILLIS = 10_000

const paused = signal(false)

export function MessagesPage({ query }: { readonly query: URLSearchParams }) {
  const question = questionOf(query)
  const place = useMemo(() => messagesPlaceOf(query), [question])
  // Another list or filter is another question: the answer to the one before must not stand under
  // its heading.
  const messages = useMemo(
    () => ({ first: createResource<MessagesResponse>(), older: createOlderPages<MessagesResponse>() }),
    [place.list, place.topic, place.group, place.never, place.after, place.last],
  )
  useEffect(() => {
    const ask = async (): Promise<void> => {
      if (messages.older.pages.peek().length === 0) await messages.first.load(messagesPath(place, Date.now()))
    }
    if (!paused.value) return poll(ask, REFRESH_MILLIS)
    void ask()
    return undefined
  }, [messages, place, paused.value])
  useEffect(
    () => () => {
      messages.first.stop()
      messages.older.clear()
    },
    [messages],
  )
  const [, title] = MESSAGE_LISTS.find(([list]) => list === place.list) ?? MESSAGE_LISTS[0]
  useEffect(() => {
    document.title = `${title} messages · Spanlink`
  }, [title])
  useLayoutEffect(() => bindMessageKeys(), [])
  return (
    <div class="messages-page">
      <h1 class="visually-hidden">{title} messages</h1>
      <nav class="message-lists" aria-label="Lists">
        {MESSAGE_LISTS.map(([list, name, words]) => (
          <a
            key={list}
            href={messagesUrl({ ...place, list, limit: 50 })}
            aria-current={list === place.list ? 'page' : undefined}
            title={words}
          >
            {name}
          </a>
        ))}
      </nav>
      <MessageFilters place={place} />
      <Results place={place} messages={messages} />
    </div>
  )
}

interface Messages {
  readonly first: Resource<MessagesResponse>
  readonly older: OlderPages<MessagesResponse>
}

function Results(props: { readonly place: MessagesPlace; readonly messages: Messages }) {
  const { place, messages } = props
  const { data, dataPath, error } = messages.first.state.value
  if (error !== undefined && (data === undefined || error.status === 400)) {
    return (
      <Notice
        icon="unplugged"
        kind="error"
        title={error.status === 400 ? 'Invalid query' : 'The messages could not be loaded'}
      >
        <p>{error.message}</p>
        <p>
          <a href="/messages">Reset filters</a>
        </p>
      </Notice>
    )
  }
  if (data === undefined) return <LoadingRows label="Loading messages" rows={12} />
  return <Found place={place} messages={messages} data={data} path={dataPath ?? ''} error={error} />
}

function Found(props: {
  readonly place: MessagesPlace
  readonly messages: Messages
  readonly data: MessagesResponse
  readonly path: string
  readonly error: ApiError | undefined
}) {
  const { place, messages, data } = props
  const list = useHeldList(
    messagesUrl({ ...place, limit: 0 }),
    messagesOf(data, messages.older.pages.value),
    messageKey,
  )
  const listed = list.rows
  const pages = [data, ...messages.older.pages.value] as const
  const range = searchedBy(pages)
  const counts = mergeCounts(pages)
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const countedTo = BigInt(data.endTimeUnixNano) - minAgeNanos(place)
  const counted = BigInt(range.searched.end) < countedTo ? range.searched.end : String(countedTo)
  const judged: SearchedRange = { ...range, searched: { start: range.searched.start, end: counted } }
  const more = (
    <ShowMore
      older={messages.older}
      path={props.path}
      first={data}
      words={range.complete ? 'Load more' : 'Load older'}
      onLoaded={() => keepLength(messagesOf(data, messages.older.pages.peek()).length)}
    />
  )
  return (
    <>
      <div class="results-bar">
        <p class="count">
          <b>
            {total.toLocaleString('en')}
            {range.complete ? '' : '+'}
          </b>{' '}
          {total === 1 && range.complete ? 'message' : 'messages'}
          <span class="faint"> · {listWords(place)}</span>
          <Searched range={judged} requestedEnd={data.endTimeUnixNano} />
        </p>
        <NewRows list={list} />
        <NotRefreshing error={props.error} />
        <LiveButton paused={paused} title="Refresh every 10 s (p)" />
      </div>
      {total > 0 && <CountChart answer={data} counts={counts} searched={judged.searched} total={total} />}
      {listed.length > 0 ? (
        <MessageTable messages={listed} list={data.list} isNever={isNever(place)} hold={list.hold} more={more} />
      ) : (
        <Nothing place={place} range={judged} requestedEnd={data.endTimeUnixNano} more={more} />
      )}
    </>
  )
}

function messagesOf(first: MessagesResponse, older: readonly MessagesResponse[]): readonly Message[] {
  return [first, ...older].flatMap(({ messages }) => messages)
}

/**
 * Coming back to this address finds as many messages as are here, as far as one answer holds them.
 */
function keepLength(shown: number): void {
  const at = route.peek()
  if (at.page !== 'messages') return
  replace(messagesUrl({ ...messagesPlaceOf(at.query), limit: Math.min(MOST_MESSAGES, Math.max(50, shown)) }))
}

const NOTHING: Readonly<Record<MessagesPlace['list'], readonly [title: string, words: string]>> = {
  'dead-lettered': ['No dead letters', 'No message was sent to a dead-letter topic.'],
  unconsumed: ['No unconsumed messages', 'Every group that reads a topic has consumed its messages.'],
  late: ['No late messages', 'Every message was consumed sooner than that.'],
  retried: ['No retries', 'Every message succeeded at the first attempt.'],
  redelivered: ['No redeliveries', 'Every message was delivered once to each group.'],
}

function nothingOf(place: MessagesPlace): readonly [title: string, words: string] {
  const [title, words] = isNever(place)
    ? ['No message was left unconsumed', 'At least one group has consumed each message.']
    : NOTHING[place.list]
  if (!hasNames(place)) return [title, words]
  // A name that nothing has would be an all-clear otherwise.
  return [`${title} with these filters`, 'Filters match whole names of topics and consumer groups.']
}

function hasNames(place: MessagesPlace): boolean {
  return place.topic !== '' || (place.group !== '' && !isNever(place))
}

/** An all-clear only for a range that was searched whole. */
function Nothing(props: {
  readonly place: MessagesPlace
  readonly range: SearchedRange
  readonly requestedEnd: string
  readonly more: ComponentChildren
}) {
  const { place, range } = props
  const [title, words] = nothingOf(place)
  const searched = rangeText(range.searched, props.requestedEnd)
  if (!range.complete) {
    return (
      <Notice icon="search" title={`${title} from ${searched}`}>
        <p>{incompleteText(range, 'messages')}</p>
        {props.more}
      </Notice>
    )
  }
  return (
    <Notice icon={hasNames(place) ? 'search' : 'check'} title={title}>
      <p>
        {words} Searched {searched}. New messages appear here as they arrive.
      </p>
      {place.last !== '7d' && (
        <p>
          <a href={messagesUrl({ ...place, last: '7d' })}>Search the last 7 days</a>
        </p>
      )}
    </Notice>
  )
}

function togglePaused(): void {
  paused.value = !paused.value
}

function bindMessageKeys(): () => void {
  const step = (by: 1 | -1) => () => {
    const at = route.peek()
    if (at.page !== 'messages') return
    const place = messagesPlaceOf(at.query)
    const index = MESSAGE_LISTS.findIndex(([list]) => list === place.list)
    const next = MESSAGE_LISTS[(index + by + MESSAGE_LISTS.length) % MESSAGE_LISTS.length]
    if (next !== undefined) push(messagesUrl({ ...place, list: next[0], limit: 50 }))
  }
  return bindKeys({
    title: 'Messages',
    bindings: [
      { keys: ['j', 'ArrowDown'], does: 'Next message', run: () => focusRow(MESSAGE_LINKS, 1) },
      { keys: ['k', 'ArrowUp'], does: 'Previous message', run: () => focusRow(MESSAGE_LINKS, -1) },
      { keys: ['Enter'], does: 'Open its flow', run: () => focusRow(MESSAGE_LINKS, 1) },
      { keys: ['l', 'ArrowRight'], does: 'Next list', run: step(1) },
      { keys: ['h', 'ArrowLeft'], does: 'Previous list', run: step(-1) },
      { keys: ['/'], does: 'Go to the filters', run: () => document.getElementById('message-topic')?.focus() },
      {
        keys: ['Escape'],
        does: 'Leave the filters',
        whileTyping: true,
        run: () => {
          if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
        },
      },
      { keys: ['p'], does: 'Pause or resume refreshing', run: togglePaused },
    ],
  })
}
