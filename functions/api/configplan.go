package api

import "context"

type plan struct{}
type work struct{}

func (c *config) checkConfiguredSettings(ctx context.Context, p *plan, w *work, now item)    {}
func (c *config) checkConfiguredGroup(ctx context.Context, p *plan, w *work, now item)       {}
func (c *config) checkConfiguredTask(ctx context.Context, p *plan, w *work, now item)        {}
func (c *config) checkConfiguredApplication(ctx context.Context, p *plan, w *work, now item) {}
func (c *config) deletesGroup(ctx context.Context, p *plan, w *work, now item)               {}
func (c *config) deletesTask(ctx context.Context, p *plan, w *work, now item)                {}
func (c *config) deletesApplication(ctx context.Context, p *plan, w *work, now item)         {}
