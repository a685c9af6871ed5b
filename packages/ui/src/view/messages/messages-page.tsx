import type { Message, MessagesAnswer } from '@spanlink/contract'
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import '../../style/messages.css'
import { exactTimeText } from '../../model/clock-text.ts'
import type { ApiError } from '../../state/api.ts'
import { bindKeys } from '../../state/keyboard.ts'
import {
  MESSAGE_LISTS,
  messagesPath,
  messagesPlaceOf,
  messagesUrl,
  MOST_MESSAGES,
  type MessagesPlace,
} from '../../state/messages-url.ts'
import { createOlderPages, questionOf, type OlderPages } from '../../state/older-pages.ts'
import { poll } from '../../state/poll.ts'
import { createResource, type Resource } from '../../state/resource.ts'
import { useHeldList } from '../../state/row-hold.ts'
import { push, replace, route } from '../../state/url.ts'
import { focusRow } from '../parts/list-rows.ts'
import { Icon } from '../parts/icon.tsx'
import { LiveButton } from '../parts/live-button.tsx'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { NewRows } from '../parts/new-rows.tsx'
import { NotRefreshing } from '../parts/not-refreshing.tsx'
import { Notice } from '../parts/notice.tsx'
import { ShowMore } from '../parts/show-more.tsx'
import { CountChart } from './count-chart.tsx'
import { MessageFilters } from './message-filters.tsx'
import { MESSAGE_LINKS, messageKey, MessageTable } from './message-table.tsx'

const REFRESH_MILLIS = 10_000

const paused = signal(false)

export function MessagesPage({ query }: { readonly query: URLSearchParams }) {
  const question = questionOf(query)
  const place = useMemo(() => messagesPlaceOf(query), [question])
  // Another list or filter is another question: the answer to the one before must not stand under its heading.
  const messages = useMemo(
    () => ({ first: createResource<MessagesAnswer>(), older: createOlderPages<MessagesAnswer>() }),
    [place.list, place.topic, place.group, place.after, place.last],
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
  readonly first: Resource<MessagesAnswer>
  readonly older: OlderPages<MessagesAnswer>
}

function Results(props: { readonly place: MessagesPlace; readonly messages: Messages }) {
  const { place, messages } = props
  const { data, dataPath, error } = messages.first.state.value
  if (error !== undefined && (data === undefined || error.status === 400)) {
    return (
      <Notice
        icon="unplugged"
        kind="error"
        title={error.status === 400 ? 'This cannot be asked' : 'The messages could not be loaded'}
      >
        <p>{error.message}</p>
        <p>
          <a href="/messages">Start over</a>
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
  readonly data: MessagesAnswer
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
  const [, , words] = MESSAGE_LISTS.find(([list]) => list === place.list) ?? MESSAGE_LISTS[0]
  const last = messages.older.pages.value.at(-1) ?? data
  const more = (
    <ShowMore
      older={messages.older}
      path={props.path}
      first={data}
      words="Load more"
      onLoaded={() => keepLength(messagesOf(data, messages.older.pages.peek()).length)}
    />
  )
  return (
    <>
      <div class="results-bar">
        <p class="count">
          <b>{data.total.toLocaleString('en')}</b> {data.total === 1 ? 'message' : 'messages'}
          <span class="faint"> · {words}</span>
        </p>
        <NewRows list={list} />
        <NotRefreshing error={props.error} />
        <LiveButton paused={paused} title="Refresh every 10 s (p)" />
      </div>
      {!last.complete && (
        <p class="notes">
          <Icon name="warning" />
          Partial: searched back to {exactTimeText(last.searched.start)}. Older messages are not listed yet.
        </p>
      )}
      {data.total > 0 && <CountChart answer={data} />}
      {listed.length > 0 ? (
        <MessageTable messages={listed} list={data.list} hold={list.hold} more={more} />
      ) : last.complete ? (
        <Nothing place={place} />
      ) : (
        more
      )}
    </>
  )
}

function messagesOf(first: MessagesAnswer, older: readonly MessagesAnswer[]): readonly Message[] {
  return [first, ...older].flatMap(({ messages }) => messages)
}

/** Coming back to this address finds as many messages as are here, as far as one answer holds them. */
function keepLength(shown: number): void {
  const at = route.peek()
  if (at.page !== 'messages') return
  replace(messagesUrl({ ...messagesPlaceOf(at.query), limit: Math.min(MOST_MESSAGES, shown) }))
}

const NOTHING: Readonly<Record<MessagesPlace['list'], readonly [title: string, words: string]>> = {
  'dead-lettered': ['No message was given up', 'Nothing was sent to a dead-letter topic in this time.'],
  unconsumed: ['Everything was consumed', 'Each message that was produced in this time has been received.'],
  late: ['Nothing came late', 'Each message was consumed sooner than that after it was produced.'],
  retried: ['Nothing was tried again', 'Each message was done at the first attempt.'],
  redelivered: ['Nothing came twice', 'Each message was delivered once to each group.'],
}

const NOTHING_FOR_GROUP = [
  'Nothing waits for this group',
  'Of the topics that it has taken messages from, each message of this time has been received. A group that has taken none is not known here.',
] as const

function Nothing({ place }: { readonly place: MessagesPlace }) {
  const [title, words] = place.list === 'unconsumed' && place.group !== '' ? NOTHING_FOR_GROUP : NOTHING[place.list]
  return (
    <Notice icon="check" title={title}>
      <p>{words} New ones appear here by themselves.</p>
      {place.last !== '7d' && (
        <p>
          <a href={messagesUrl({ ...place, last: '7d' })}>Look at the last 7 days</a>
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
