// The failpoints around every method: before the work begins, and after it is done but before the answer is sent.
import { declareFailpoints, failpoint } from '../failpoint.ts'
import { type RequestMethod, requests } from '../protocol/index.ts'

for (const method of Object.keys(requests)) {
  declareFailpoints(`driver:${method}:before`, `driver:${method}:after`)
}

export async function passFailpoints<T>(method: RequestMethod, work: () => Promise<T> | T): Promise<T> {
  failpoint(`driver:${method}:before`)
  const result = await work()
  failpoint(`driver:${method}:after`)
  return result
}
