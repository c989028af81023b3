package train

// Settings is every setting that a result depends on, by its name, as a bundle's
// provenance records them.
func (c *Config) Settings() map[string]string {
	out := make(map[string]string)
	for _, s := range c.settings() {
		out[s.name] = s.value
	}
	return out
}
