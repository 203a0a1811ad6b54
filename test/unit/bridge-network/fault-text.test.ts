import { checkResult } from '@conet/sdk'
import { expect, it } from 'vitest'
import { faultText } from '../../../sdk/dist/bridge-network/fault-text.js'

it('what is wrong fits into the lists of the protocol, however much it is', () => {
  const id = '0'.repeat(64)
  const lacks = Array.from({ length: 100 }, (_, at) => `bridge cnb0 lacks the address 10.1.${at}.1/24`)
  const fault = faultText(lacks)
  expect(fault).toMatch(/^bridge cnb0 lacks the address 10\.1\.0\.1\/24; bridge/)
  checkResult('network/list', { networkIds: [id], faults: [{ networkId: id, fault }] })
  checkResult('endpoint/list', { endpoints: [{ networkId: id, endpointId: id, fault }] })
  const whole = lacks.join('; ')
  expect(() =>
    checkResult('endpoint/list', { endpoints: [{ networkId: id, endpointId: id, fault: whole }] }),
  ).toThrow('1024 characters')
  expect(faultText([])).toBeUndefined()
})
