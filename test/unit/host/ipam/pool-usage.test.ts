import { poolUsage } from '@conet/host/ipam/index'
import { expect, it } from 'vitest'

const pool = { base: '10.0.0.0/8', size: 16 }

it.each([
  ['nothing', [], 0],
  ['one subnet of the pool’s size', ['10.3.0.0/16'], 1],
  ['small ones in one block', ['10.3.1.0/24', '10.3.2.0/24'], 1],
  ['one larger than a block', ['10.4.0.0/14'], 4],
  ['what lies beside it, or is of another family', ['192.168.0.0/16', 'fd00::/64'], 0],
  ['one that holds the whole pool', ['0.0.0.0/1'], 256],
  ['the same block twice', ['10.5.0.0/16', '10.5.1.0/24'], 1],
])('a pool of which %s is taken', (_what, taken, used) => {
  expect(poolUsage(pool, taken)).toEqual({ subnets: 256, used })
})
