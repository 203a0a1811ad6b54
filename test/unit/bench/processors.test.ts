import { expect, it } from 'vitest'
import { parseProcessorList, processors } from '../../bench/processors.ts'

it('the processors of a list are those of its ranges', () => {
  expect(parseProcessorList('0-2,5')).toEqual([0, 1, 2, 5])
  expect(parseProcessorList('3')).toEqual([3])
})

it('this process may use at least one', () => {
  expect(processors().length).toBeGreaterThan(0)
})
