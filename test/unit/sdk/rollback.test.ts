import { Rollback } from '@conet/sdk'
import { describe, expect, it } from 'vitest'

async function failingAfter(steps: (undo: Rollback) => void): Promise<unknown> {
  try {
    await using undo = new Rollback()
    steps(undo)
    throw new Error('step 3 failed')
  } catch (error) {
    return error
  }
}

describe('a rollback', () => {
  it('takes back what was done, newest first, and lets the failure through', async () => {
    const order: string[] = []
    const failure = await failingAfter((undo) => {
      undo.defer('undo 1', () => void order.push('one'))
      undo.defer('undo 2', async () => void order.push('two'))
    })
    expect(order).toEqual(['two', 'one'])
    expect(failure).toMatchObject({ message: 'step 3 failed' })
  })

  it('keeps what was committed', async () => {
    let undone = false
    {
      await using undo = new Rollback()
      undo.defer('undo', () => {
        undone = true
      })
      undo.commit()
    }
    expect(undone).toBe(false)
  })

  it('tries every step, and reports those that failed beside what failed first', async () => {
    const order: string[] = []
    const failure = await failingAfter((undo) => {
      undo.defer('undo 1', () => void order.push('one'))
      undo.defer('undo 2', () => {
        throw new Error('busy')
      })
    })
    expect(order).toEqual(['one'])
    expect(failure).toMatchObject({
      name: 'SuppressedError',
      suppressed: { message: 'step 3 failed' },
      error: { errors: [{ message: 'could not undo 2', cause: { message: 'busy' } }] },
    })
  })
})
