#!/usr/bin/env node
import '../dist/programs/driver.js'
