// Orders, steadily: SHOP_RATE a second (default 2) to SHOP_GATEWAY.
import { setTimeout as sleep } from 'node:timers/promises'

const gateway = process.env['SHOP_GATEWAY'] ?? 'http://127.0.0.1:3000'
const rate = Number(process.env['SHOP_RATE'] ?? 2)
if (!(rate > 0)) throw new Error(`SHOP_RATE is orders a second, a number above 0, not ${process.env['SHOP_RATE']}`)

process.stdout.write(`ready ${gateway}\n`)
process.on('disconnect', () => process.exit())
process.on('SIGTERM', () => process.exit())
process.on('SIGINT', () => process.exit())

for (;;) {
  void order()
  await sleep(1000 / rate)
}

async function order(): Promise<void> {
  const response = await fetch(`${gateway}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      customer: `c-${Math.ceil(Math.random() ** 3 * 5000)}`,
      tier: pick(['bronze', 'bronze', 'bronze', 'silver', 'silver', 'gold']),
      // One in thirty is too much for the fraud model, and a few of those for the bank.
      amount: Math.round(Math.random() < 1 / 30 ? 5000 + Math.random() * 5000 : 10 + Math.random() * 400),
      items: Array.from({ length: Math.ceil(Math.random() * 4) }, () => ({
        sku: pick(['mug', 'lamp', 'chair', 'desk', 'plant']),
        count: Math.ceil(Math.random() * 3),
      })),
    }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  if (response instanceof Error) process.stderr.write(`no order placed: ${response.message}\n`)
  else if (!response.ok) process.stderr.write(`order refused: ${response.status} ${await response.text()}\n`)
  else await response.body?.cancel()
}

function pick(list: readonly string[]): string {
  return list[Math.floor(Math.random() * list.length)] ?? ''
}
