package main

import "sealpost/internal/config"

// examineOwners has nothing to say where rights to files are inherited from their folder.
func (a *app) examineOwners(*diagnosis, *config.Config) {}
