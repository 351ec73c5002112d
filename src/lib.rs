//! The manifestd service.
