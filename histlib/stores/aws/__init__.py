"""What every source on AWS shares: a session that lives as long as its credentials can be renewed, and errors as ours.

errors   botocore's errors as ours: credentials, Region or network, and what to do
session  boto3's session and clients, from a profile, Region or session; retries; renewed credentials
"""
