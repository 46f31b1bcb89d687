package main

import (
	"context"

	"github.com/switchhook/switchhook/internal/bucket"
	"github.com/switchhook/switchhook/internal/config"
	"github.com/switchhook/switchhook/internal/media"
)

// openStorage returns the bucket that media are kept in, once it has shown that it works; nil where they are kept in DATA_DIR.
func openStorage(ctx context.Context, c *config.Config) (media.Storage, error) {
	if c.S3Bucket == "" {
		return nil, nil //nolint:nilnil // media.Options takes nil for the folder
	}
	b, err := bucket.New(bucket.Options{
		Endpoint: c.S3Endpoint, Name: c.S3Bucket, Region: c.S3Region, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey,
		PathStyle: c.S3PathStyle, Prefix: c.S3Prefix,
	})
	if err != nil {
		return nil, err
	}
	return b, b.Check(ctx)
}
