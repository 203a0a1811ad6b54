#!/usr/bin/env node
// Made by `npm run build`.
import '../dist/programs/driver.js'
