import { expect, test } from 'vitest'
import { useShop } from './open-shop.ts'
import { expectStory, FRAUD_LAG, STORY_TIMEOUT_MS } from './story.ts'

const open = useShop('half')

test(
  'half mode: an order that fraud gives up on is the same story: who took it, what failed, where it waited, and the map tells lag',
  async () => {
    expect(await expectStory(open(), 'half')).toMatchObject(FRAUD_LAG)
  },
  STORY_TIMEOUT_MS,
)
