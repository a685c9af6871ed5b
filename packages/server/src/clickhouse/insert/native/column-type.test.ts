import { expect, test } from 'vitest'
import { NativeBlock } from './native-block.ts'

const block = (type: string): NativeBlock | undefined => NativeBlock.create([{ name: 'c', type }])

async function bytesOf(type: string, rows: string): Promise<string> {
  const columns = await block(type)?.toColumns([Buffer.from(rows, 'hex')])
  return Buffer.concat(columns ?? []).toString('hex')
}

function header(type: string, rows: number): string {
  const text = Buffer.from(type).toString('hex')
  const count = Buffer.from(rows < 0x80 ? [rows] : [(rows & 0x7f) | 0x80, rows >> 7]).toString('hex')
  return `01${count}0163${type.length.toString(16).padStart(2, '0')}${text}`
}

test('fixed-width values and strings are concatenated in row order', async () => {
  expect(await bytesOf('UInt32', '0100000002000000')).toBe(`${header('UInt32', 2)}0100000002000000`)
  expect(await bytesOf('String', '0161026262')).toBe(`${header('String', 2)}0161026262`)
})

test('a LowCardinality dictionary has each string once, in order of appearance', async () => {
  // 'a', 'bb', 'a'
  expect(await bytesOf('LowCardinality(String)', '01610262620161')).toBe(
    `${header('LowCardinality(String)', 3)}0100000000000000` +
      '0006000000000000' +
      '0200000000000000' +
      '0161026262' +
      '0300000000000000' +
      '000100',
  )
})

test('a dictionary of more than 256 strings has wider indexes', async () => {
  const rows = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.from([2, i & 0xff, i >> 8])))
  const type = 'LowCardinality(String)'
  const columns = Buffer.concat((await block(type)?.toColumns([rows])) ?? [])
  const indexes = Array.from({ length: 300 }, (_, i) => columns.readUInt16LE(columns.length - 600 + 2 * i))
  expect(indexes).toEqual(Array.from({ length: 300 }, (_, i) => i))
})

test('arrays and maps have cumulative offsets, and an empty dictionary has no data', async () => {
  expect(await bytesOf('Array(UInt8)', '0201020003030405')).toBe(
    `${header('Array(UInt8)', 3)}0200000000000000020000000000000005000000000000000102030405`,
  )
  expect(await bytesOf('Map(LowCardinality(String), String)', '00')).toBe(
    `${header('Map(LowCardinality(String), String)', 1)}01000000000000000000000000000000`,
  )
})

test('a reused block contains only the rows of its insert', async () => {
  const again = block('LowCardinality(String)')
  const first = Buffer.concat((await again?.toColumns([Buffer.from('0161', 'hex')])) ?? []).toString('hex')
  await again?.toColumns([Buffer.from('0162026363', 'hex')])
  expect(Buffer.concat((await again?.toColumns([Buffer.from('0161', 'hex')])) ?? []).toString('hex')).toBe(first)
})

test('several chunks of rows are converted into one block', async () => {
  for (const type of ['UInt8', 'UInt32', 'UInt64', 'FixedString(16)', 'FixedString(3)', 'String']) {
    const width = Number(type.match(/\d+/)?.[0] ?? 0) / (type.startsWith('U') ? 8 : 1)
    const row = (i: number): Buffer =>
      type === 'String' ? Buffer.from([2, i & 0xff, i >> 8]) : Buffer.alloc(width, `${i}`)
    const rows = Array.from({ length: 700 }, (_, i) => row(i))
    const chunks = [rows.slice(0, 1), [], rows.slice(1, 300), rows.slice(300)].map((part) => Buffer.concat(part))
    const columns = Buffer.concat((await block(type)?.toColumns(chunks)) ?? [])
    expect(columns.toString('hex')).toBe(header(type, 700) + Buffer.concat(rows).toString('hex'))
  }
})

test('rows that end in the middle of a value are rejected', async () => {
  await expect(bytesOf('UInt32', '010000')).rejects.toThrow(RangeError)
  await expect(bytesOf('String', '0561')).rejects.toThrow(RangeError)
  await expect(bytesOf('Array(String)', 'ffffffff0f')).rejects.toThrow(RangeError)
})

test('nested types are parsed, and an unsupported type makes no native block', () => {
  expect(
    block(
      "Array(Tuple(time UInt64, kind Enum8('a, (b' = 0, 'it\\'s' = 1), attrs Map(LowCardinality(String), String)))",
    ),
  ).toBeDefined()
  expect(block('Array(Decimal(9, 2))')).toBeUndefined()
  expect(block('LowCardinality(Nullable(String))')).toBeUndefined()
  expect(block('Nullable(String)')).toBeUndefined()
})

test('fields and tuple elements that the table lacks are skipped', async () => {
  const fields = [
    { name: 'a', type: 'UInt8' },
    { name: 'b', type: 'String' },
    { name: 'c', type: 'UInt32' },
    { name: 'd', type: 'UInt8' },
    { name: 'e', type: 'Array(Tuple(x String, y UInt8, z UInt16))' },
  ]
  const columns = [
    { name: 'a', type: 'UInt8' },
    { name: 'e', type: 'Array(Tuple(y UInt8))' },
  ]
  const row = ['01', '02aaaa', 'bbbbbbbb', 'cc', '02', '01aa', '02', 'bbbb', '00', '03', 'bbbb'].join('')
  const observer = { fields, clear: () => {}, observe: () => {} }
  const found = await NativeBlock.create(columns, observer)?.toColumns([Buffer.from(row.repeat(2), 'hex')])
  const expected = await NativeBlock.create(columns)?.toColumns([Buffer.from('01020203'.repeat(2), 'hex')])
  expect(Buffer.concat(found ?? []).toString('hex')).toBe(Buffer.concat(expected ?? []).toString('hex'))
})
