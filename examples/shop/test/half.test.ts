import { expect, test } from 'vitest'
import { useShop } from './open-shop.ts'
import { expectStory, FRAUD_LAG, STORY_TIMEOUT_MS } from './story.ts'

const open = useShop('half')

test(
  'half mode: a dead-lettered order has the expected flow, attempts, critical path and consumer lag',
  async () => {
    expect(await expectStory(open(), 'half')).toMatchObject(FRAUD_LAG)
  },
  STORY_TIMEOUT_MS,
)
